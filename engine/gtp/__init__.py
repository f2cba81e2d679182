"""The engine behind the Go Text Protocol, version 2, with the extensions that boards rely on.

protocol   lines in, replies out; interruptions
board      the game as the controller edits it
thinker    choosing moves within visits and time
analysis   what the analyze commands take and print
commands   the commands themselves
"""
