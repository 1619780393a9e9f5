"""Every name in the tables: partition and sort keys, attributes. It imports nothing.

One item an account holds its whole hot state, so that a request costs two conditional writes of one item. Attribute
names are short because DynamoDB bills a write by its bytes, names included.

| item | pk | sk |
|---|---|---|
| an account | ``A#<account id>`` | ``STATE`` |
| a key's owner, by the SHA-256 of its text | ``K#<hash>`` | ``META`` |
| a spent pack's reference, once it was pruned | ``A#<account id>`` | ``PACK#<reference>`` |
| a claim of an Idempotency-Key | ``I#<account id>#<SHA-256 of it>`` | ``IDEM`` |

The ledger has a table of its own, without a stream: whoever writes into the stream that it reads feeds itself.

| item | pk | sk |
|---|---|---|
| a line, never changed | ``L#<account id>`` | ``<yyyymm>#<seq, 12 digits>`` |
| what a month's lines add up to | ``L#<account id>`` | ``SUMS#<yyyymm>`` |
| up to where no line is missing | ``L#<account id>`` | ``HEAD`` |
| where the owner is told of a low balance | ``W#<account id>`` | ``WEBHOOK`` |
| that a crossing was seen, never changed | ``L#<account id>`` | ``NOTICE#<notice id>`` |
| a notice that is to be delivered | ``NOTICES`` | ``<notice id>`` |

Jobs have a table of their own, too: nobody needs their changes in a stream. Its key is the job's ``id``, a number; the
index ``by-account`` has an account's jobs in the order of their ids, which is that of time.
"""

PARTITION_KEY = "pk"
SORT_KEY = "sk"
EXPIRES_AT = "ttl"

JOB_ID = "id"
JOB_ACCOUNT = "account"
JOB_TEXT = "job"
JOBS_BY_ACCOUNT = "by-account"

ACCOUNT_PREFIX = "A#"
ACCOUNT_SORT = "STATE"
KEY_PREFIX = "K#"
KEY_SORT = "META"
PACK_SORT_PREFIX = "PACK#"

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
OVERRIDES = "ov"
LOW_BALANCE = "low"

# What the account may do other than its plan says; what follows the plan is left out.
OVERRIDE_FREE_IMAGES = "free"
OVERRIDE_MAX_BYTES = "size"
OVERRIDE_RATE_PER_SECOND = "rate"
OVERRIDE_BURST = "burst"
OVERRIDE_CONCURRENCY = "conc"

# One of the account's keys, by its id.
KEY_ENVIRONMENT = "env"
KEY_NAME = "name"
KEY_CREATED_MS = "at"
KEY_ENABLED = "on"
KEY_TAT_MS = "tat"
KEY_LEASES = "L"
KEY_LAST4 = "l4"
KEY_DELETED = "del"  # only on a key that is
KEY_HASH = "h"  # the 32 bytes of its owner's item, so that this can be found when the key goes

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
ENTRY_CREDITS = "cr"
ENTRY_REASON = "why"
ENTRY_FORMAT = "fmt"

# A key's owner.
OWNER_ACCOUNT = "acct"
OWNER_KEY = "kid"
OWNER_ENVIRONMENT = "env"

# A claim of an Idempotency-Key.
CLAIM_PREFIX = "I#"
CLAIM_SORT = "IDEM"
CLAIM_FINGERPRINT = "fp"
CLAIM_RESULT_ID = "res"
CLAIM_LINK_TOKEN = "link"
CLAIM_LEASE_ID = "lease"
CLAIM_LEASE_KEY_ID = "kid"
CLAIM_LEASE_EXPIRES_MS = "end"
CLAIM_SEQ = "seq"
CLAIM_MONTH = "mon"
CLAIM_EXPIRES_MS = "exp"
CLAIM_DONE = "done"

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
LINE_CREDITS = "cr"
LINE_REASON = "why"
LINE_FORMAT = "fmt"

# A month's sums: one attribute for each operation and format, so that a new one needs no map to be there.
SUMS_OPERATION_PREFIX = "n:"
SUMS_FORMAT_PREFIX = "f:"
SUMS_BYTES_IN = "in"
SUMS_BYTES_OUT = "out"

# Up to where no line is missing.
HEAD_SEQ = "seq"
HEAD_MONTH = "mon"
HEAD_LAST_SEQ = "last"  # only while, and after, there was a gap
HEAD_BEHIND_SEQ = "late"  # where it was when it was last seen behind its account
HEAD_BEHIND_SINCE_MS = "since"

# Where an account's owner is told of a low balance: cold, so not in the account item, and with a secret, so in a
# partition that whoever reads the ledger need not be let into.
WEBHOOK_PREFIX = "W#"
WEBHOOK_SORT = "WEBHOOK"
WEBHOOK_URL = "url"
WEBHOOK_SECRET = "secret"

# Notices: the mark of a crossing, and what is to be delivered.
NOTICE_PREFIX = "NOTICE#"
NOTICE_AT_MS = "at"
OPEN_NOTICES = "NOTICES"
NOTICE_DUE_MS = "due"
NOTICE_TEXT = "notice"
