"""By which signs a seat was seen to become ready, and when it was replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261126_seat_signs"
down_revision = "20261126_keepings"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENTS = ("cloned_at", "running_at", "network_at", "doors_at", "replaced_at")


def upgrade() -> None:
    with op.batch_alter_table("seats", schema=None) as batch_op:
        for name in MOMENTS:
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("lacks", DOCUMENT, nullable=False, server_default="{}"))
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.alter_column("lacks", existing_type=DOCUMENT, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("seats", schema=None) as batch_op:
        for name in ("lacks", *reversed(MOMENTS)):
            batch_op.drop_column(name)
