"""Many projects and recordings: on this machine's cores or on a cluster, each task once, whatever is killed meanwhile.

`inputs` finds the tasks, `recipe` is what is asked of them, `content` tells whether a file changed, `record` is what
each task leaves in its folder, `journal` what the whole batch remembers. `work` runs where the workers are, `crew` gets
the workers, `run` hands out the tasks, `index` makes the page over all.
"""
