// What the pages do without asking the server: theme, keys, copying the link.
(() => {
  const cookie = (name, value) => (document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`);
  const wanted = () => (document.cookie.match(/(?:^|; )redcat_theme=(light|dark)/) || [])[1] || "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themes = ["auto", "light", "dark"];

  const apply = () => {
    const theme = wanted();
    const on = theme === "dark" || (theme === "auto" && dark.matches);
    document.body.classList.toggle("body--dark", on);
    document.body.classList.toggle("body--light", !on);
    document.querySelectorAll("[data-theme-names]").forEach((button) => {
      const names = button.dataset.themeNames.split("|");
      button.textContent = names[themes.indexOf(theme)];
    });
  };

  const act = {
    theme: () => { cookie("redcat_theme", themes[(themes.indexOf(wanted()) + 1) % 3]); apply(); },
    language: (button) => { cookie("redcat_language", button.dataset.to); go({ lang: null }); },
    link: async (button) => {
      await navigator.clipboard.writeText(location.href);
      const text = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = text), 1500);
    },
    logout: () => fetch("/logout", { method: "POST" }).then(() => (location.href = "/ui/login")),
  };

  // The state of a view is in its address: this changes parts of it and loads the view anew.
  const go = (changes) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(changes)) value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    location.href = url;
  };
  // The same without loading anew, for what the page has shown already.
  const note = (changes) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(changes)) value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    history.replaceState(null, "", url);
  };
  window.redcat = { apply, go, note };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) act[button.dataset.act](button);
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-login]");
    if (!form) return;
    event.preventDefault();
    const body = JSON.stringify({ key: form.querySelector("#key").value.trim() });
    const answer = await fetch("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (answer.ok) location.href = form.dataset.next;
    else document.querySelector("[data-wrong]").hidden = false;
  });

  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const places = document.querySelectorAll("[data-key]");
    if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      if (field) { field.focus(); event.preventDefault(); }
    } else if (event.key === "?") document.querySelector("[data-keys-help]")?.click();
    else if (before === "g") places.forEach((place) => place.dataset.key === event.key && place.click());
    before = event.key;
  });

  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  new MutationObserver(apply).observe(document.documentElement, { childList: true, subtree: false });
})();
