"""Every record of a namespace's topics into other topics, each exactly once, however often that is interrupted."""
