"""Many projects and recordings: on this machine's cores or on a cluster, each task once, whatever is killed meanwhile.

`inputs` finds the tasks, `task` is what is asked of them and how each stands, `run` hands them out, `workers` gets who
does them, `work` is what these do, `index` makes the page over all.
"""
