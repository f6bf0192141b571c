"""Which routes may be tried now: circuits, cooldowns, the provider's visible state, the retry budget.

Promises: every question is answered synchronously in a few microseconds from this process's memory;
a healthy route is never shut for longer than one recovery time plus one probe; memory is bounded.
Sharing with other processes (`share`) happens beside the requests and never in their way.
"""
