"""Every name in the tables: partition and sort keys, attributes. It imports nothing.

One item an account holds its whole hot state, so that a request costs two conditional writes of one item. Attribute
names are short because DynamoDB bills a write by its bytes, names included.

| item | pk | sk |
|---|---|---|
| an account | ``A#<account id>`` | ``STATE`` |
| a key's owner, by the SHA-256 of its text | ``K#<hash>`` | ``META`` |

The ledger has a table of its own, without a stream: whoever writes into the stream that it reads feeds itself.

| item | pk | sk |
|---|---|---|
| a line, never changed | ``L#<account id>`` | ``<yyyymm>#<seq, 12 digits>`` |
| what a month's lines add up to | ``L#<account id>`` | ``SUMS#<yyyymm>`` |
| up to where no line is missing | ``L#<account id>`` | ``HEAD`` |
"""

PARTITION_KEY = "pk"
SORT_KEY = "sk"
EXPIRES_AT = "ttl"

ACCOUNT_PREFIX = "A#"
ACCOUNT_SORT = "STATE"
KEY_PREFIX = "K#"
KEY_SORT = "META"

# The account item. Its maps exist from its creation on: an update cannot write into a map that is not there.
NAME = "name"
CREATED_MS = "at"
PLAN = "plan"
FREE_LIMIT = "lim"
STATUS = "st"
MONTH = "mon"
SEQ = "seq"
FREE_USED = "f"
IMAGES = "n"
SANDBOX_USED = "t"
CREDITS_BOUGHT = "b"
CREDITS_DRAWN = "d"
PACKS = "packs"
KEYS = "keys"
ENTRY = "line"

# One of the account's keys, by its id.
KEY_ENVIRONMENT = "env"
KEY_NAME = "name"
KEY_CREATED_MS = "at"
KEY_ENABLED = "on"
KEY_TAT_MS = "tat"
KEY_LEASES = "L"

# One of the account's packs.
PACK_ID = "id"
PACK_SIZE = "size"
PACK_END = "end"
PACK_PURCHASED_MS = "at"

# The latest ledger entry.
ENTRY_AT_MS = "at"
ENTRY_MONTH = "mon"
ENTRY_OPERATION = "op"
ENTRY_SOURCE = "src"
ENTRY_KEY_ID = "kid"
ENTRY_LEASE_ID = "lease"
ENTRY_RESULT_ID = "res"
ENTRY_BYTES_IN = "in"
ENTRY_BYTES_OUT = "out"
ENTRY_PACK_ID = "pack"

# A key's owner.
OWNER_ACCOUNT = "acct"
OWNER_KEY = "kid"
OWNER_ENVIRONMENT = "env"

LEDGER_PREFIX = "L#"
HEAD_SORT = "HEAD"
SUMS_PREFIX = "SUMS#"
AFTER_LINES = ":"  # the character after 9: every line's sort key is below it, HEAD and SUMS are above


def line_sort(month: int, seq: int) -> str:
    """Return a line's sort key. Neither the month nor ``seq`` ever falls, so keys sort as lines were written."""
    return f"{month:06}#{seq:012}"


# A line of the ledger; what is empty or 0 is left out.
LINE_SEQ = "seq"
LINE_AT_MS = "at"
LINE_MONTH = "mon"
LINE_OPERATION = "op"
LINE_KEY_ID = "kid"
LINE_KEY_NAME = "key"
LINE_RESULT_ID = "res"
LINE_BYTES_IN = "in"
LINE_BYTES_OUT = "out"
LINE_IMAGES = "n"
LINE_DRAWN_FROM = "from"
LINE_FREE_REMAINING = "free"
LINE_CREDITS_REMAINING = "cred"

# A month's sums: one attribute for each operation, so that a new one needs no map to be there.
SUMS_OPERATION_PREFIX = "n:"
SUMS_BYTES_IN = "in"
SUMS_BYTES_OUT = "out"

# Up to where no line is missing.
HEAD_SEQ = "seq"
HEAD_MONTH = "mon"
HEAD_LAST_SEQ = "last"  # only while, and after, there was a gap
