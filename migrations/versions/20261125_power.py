"""Machines know when they were last switched, asked to shut down, and asked to stop in order to be parked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125_power"
down_revision = "20261124_tables"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENTS = ("parking_since", "shut_down_asked_at", "switched_at")


def upgrade() -> None:
    for moment in MOMENTS:
        op.add_column("vms", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))
    op.add_column("vms", sa.Column("state_reason_params", DOCUMENT, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("vms", "state_reason_params")
    for moment in MOMENTS:
        op.drop_column("vms", moment)
