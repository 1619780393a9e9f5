"""Every name in the table: partition and sort keys, attributes. It imports nothing.

One item an account holds its whole hot state, so that a request costs two conditional writes of one item. Attribute
names are short because DynamoDB bills a write by its bytes, names included.

| item | pk | sk |
|---|---|---|
| an account | ``A#<account id>`` | ``STATE`` |
| a key's owner, by the SHA-256 of its text | ``K#<hash>`` | ``META`` |
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
