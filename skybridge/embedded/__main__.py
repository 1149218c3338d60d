import sys

from skybridge.embedded.supervisor import main

sys.exit(main(sys.argv[1:]))
