"""Tests of the command line: the supervisor, what `munjigi up` tells and checks, the doctor."""
