# Makes Doxygen's comments of plain ones: \file for the one at the top, /**< for one behind code.
1b
s:^\( *[^ /*].*[^ {]\) */\* :\1 /**< :
s:^\( *\)/\*\( \|$\):\1/**\2:
# What Doxygen would take for its commands, HTML, or a link.
s:[\\@]\([A-Za-z]\):\\&:g
2s:^/\*\*$:/** \\file:
