"""What test visitors leave in WordPress itself: their accounts."""

from __future__ import annotations

from pipeline.platforms.traces import Doubt, Rows, Set, Traces

TRACES = Traces(
    addresses=("SELECT user_email FROM {p}users WHERE user_email LIKE %s",),
    sets=(Set("users", "SELECT ID FROM {p}users WHERE user_email IN {emails}"),),
    doubts=(
        Doubt(
            "SELECT ID FROM {p}posts WHERE post_author IN {users} AND post_type NOT LIKE 'shop\\_order%'",
            "an account with a test's address has written posts",
        ),
        Doubt(
            "SELECT user_id FROM {p}usermeta WHERE user_id IN {users} AND meta_key LIKE '%capabilities'"
            " AND meta_value REGEXP 'administrator|editor|author|shop_manager'",
            "an account with a test's address may run the shop",
        ),
    ),
    locks=("SELECT ID FROM {p}users WHERE ID IN {users} FOR UPDATE",),
    stock=(),
    returns=(),
    rows=(Rows("usermeta", "user_id IN {users}"), Rows("users", "ID IN {users}")),
)
