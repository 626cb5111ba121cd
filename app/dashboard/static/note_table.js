// A table of very many notes: rows have one height, only those in sight exist, and their pages are asked for as they come
// into sight.  Events: want {pages}, sort {name}, chosen {ids}.
const PAGE = 50;
const SPARE = 8; // rows drawn above and below what is in sight

export default {
  template: `
    <div class="notes">
      <div ref="scroll" class="notes-scroll" tabindex="0" role="grid" :aria-label="label" :aria-rowcount="total + 1"
           :aria-activedescendant="total ? rowId(active) : null" @scroll.passive="look" @keydown="key">
        <div class="nt" :style="{ '--columns': columns.length }">
          <div class="nt-row nt-head" role="row" aria-rowindex="1">
            <div role="columnheader">{{ names.rank }}</div>
            <div role="columnheader" class="l">{{ names.note }}</div>
            <div role="columnheader" class="l">{{ names.trend }}</div>
            <div v-for="column in columns" :key="column.name" role="columnheader" :aria-sort="sorted(column.name)">
              <button type="button" @click="$emit('sort', { name: column.name })">{{ column.label }}</button>
            </div>
          </div>
          <div class="nt-body" role="rowgroup" :style="{ height: total * height + 'px', position: 'relative' }">
            <div v-for="row in shown" :key="row.place" :id="rowId(row.place)" role="row" :aria-rowindex="row.place + 2"
                 :class="['nt-row', { chosen: row.id && chosen.includes(row.id), active: focused && row.place === active }]"
                 :style="{ position: 'absolute', left: 0, right: 0, transform: 'translateY(' + row.place * height + 'px)' }">
              <div role="gridcell" class="nt-rank">
                <input v-if="row.id" type="checkbox" tabindex="-1" :aria-label="names.choose + ' ' + row.id"
                       :checked="chosen.includes(row.id)" @change="choose(row.id)">
                {{ (row.place + 1).toLocaleString() }}
              </div>
              <template v-if="row.id">
                <div role="gridcell" class="l"><a :href="row.href" tabindex="-1">{{ row.id }}</a></div>
                <div role="gridcell" class="l"><svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
                  <path class="spark-line" :d="row.line"/></svg></div>
                <div v-for="(cell, number) in row.cells" :key="number" role="gridcell">{{ cell }}</div>
              </template>
              <template v-else><div role="gridcell" class="l quiet">…</div></template>
            </div>
          </div>
        </div>
      </div>
    </div>`,
  props: { total: Number, columns: Array, sort: String, descending: Boolean, names: Object, label: String },
  data: () => ({ pages: {}, first: 0, count: 30, height: 42, active: 0, focused: false, chosen: [] }),
  computed: {
    shown() {
      const rows = [];
      for (let place = this.first; place < Math.min(this.total, this.first + this.count); place++) {
        const page = this.pages[Math.floor(place / PAGE)];
        rows.push({ place, ...(page && page[place % PAGE]) });
      }
      return rows;
    },
  },
  watch: { total: "look" },
  mounted() {
    this.height = Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 2.8);
    this.observer = new ResizeObserver(() => this.look());
    this.observer.observe(this.$refs.scroll);
    this.$refs.scroll.addEventListener("focusin", () => (this.focused = true));
    this.$refs.scroll.addEventListener("focusout", () => (this.focused = false));
  },
  unmounted() {
    this.observer.disconnect();
  },
  methods: {
    rowId(place) {
      return `note-row-${place}`;
    },
    sorted(name) {
      return name !== this.sort ? "none" : this.descending ? "descending" : "ascending";
    },
    put(page, rows) {
      this.pages = { ...this.pages, [page]: rows };
    },
    forget(top) {
      this.pages = {};
      this.asked = "";
      if (top) {
        this.active = 0;
        this.$refs.scroll.scrollTop = 0;
      }
      this.look();
    },
    look() {
      const scroll = this.$refs.scroll;
      if (!scroll) return;
      this.first = Math.max(0, Math.floor(scroll.scrollTop / this.height) - SPARE);
      this.count = Math.ceil(scroll.clientHeight / this.height) + 2 * SPARE;
      const last = Math.min(this.total, this.first + this.count) - 1;
      const pages = [];
      for (let page = Math.floor(this.first / PAGE); page <= Math.floor(last / PAGE) && last >= 0; page++) pages.push(page);
      if (pages.join() === this.asked) return;
      this.asked = pages.join();
      clearTimeout(this.timer); // who scrolls past does not need what was passed
      this.timer = setTimeout(() => this.$emit("want", { pages }), 40);
    },
    choose(id) {
      this.chosen = this.chosen.includes(id) ? this.chosen.filter((one) => one !== id) : [...this.chosen, id].slice(-2);
      this.$emit("chosen", { ids: this.chosen });
    },
    key(event) {
      const scroll = this.$refs.scroll;
      const step = Math.floor(scroll.clientHeight / this.height) - 2;
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: step, PageUp: -step, Home: -this.total, End: this.total };
      const row = this.pages[Math.floor(this.active / PAGE)]?.[this.active % PAGE];
      if (event.target !== scroll) return;
      if (event.key in moves) {
        this.active = Math.max(0, Math.min(this.total - 1, this.active + moves[event.key]));
        const top = this.active * this.height;
        if (top < scroll.scrollTop) scroll.scrollTop = top;
        else if (top + 2 * this.height > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + 2 * this.height - scroll.clientHeight;
      } else if (event.key === "Enter" && row) location.href = row.href;
      else if (event.key === " " && row) this.choose(row.id);
      else return;
      event.preventDefault();
    },
  },
};
