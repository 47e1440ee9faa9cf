"""Sign-in history, notification settings, a person's time zone, the names that people give their devices.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.sign_in_history (
            id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES idp.user_account,
            at timestamptz NOT NULL,
            outcome text NOT NULL CHECK (outcome IN (
                'signed_in', 'taken_over', 'failed', 'kept', 'abandoned', 'refused'
            )),
            amr text[] NOT NULL,
            device_id uuid,
            device_label text NOT NULL,
            browser text NOT NULL,
            place text NOT NULL,
            network text NOT NULL,
            ip inet NOT NULL,
            client_id text NOT NULL,
            sid text REFERENCES idp.session ON DELETE SET NULL,
            CHECK (sid IS NULL OR outcome IN ('signed_in', 'taken_over'))
        )
        """
    )
    op.execute("CREATE INDEX sign_in_history_person ON idp.sign_in_history (user_id, at DESC, id DESC)")
    op.execute("CREATE INDEX sign_in_history_at ON idp.sign_in_history (at)")
    op.execute("CREATE INDEX sign_in_history_session ON idp.sign_in_history (sid)")
    op.execute("GRANT SELECT, INSERT, DELETE ON idp.sign_in_history TO munjigi_worker")
    op.execute(
        """
        CREATE TABLE idp.notice_setting (
            user_id uuid NOT NULL REFERENCES idp.user_account,
            kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
            channel text NOT NULL CHECK (channel IN ('mail', 'push')),
            wanted boolean NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, kind, channel)
        )
        """
    )
    op.execute("GRANT SELECT ON idp.notice_setting TO munjigi_worker")
    op.execute("ALTER TABLE idp.user_account ADD COLUMN time_zone text CHECK (length(time_zone) BETWEEN 1 AND 64)")
    op.execute("ALTER TABLE idp.device ADD COLUMN name text CHECK (length(name) BETWEEN 1 AND 64)")
    # the connected apps of a person are found by their families
    op.execute("CREATE INDEX refresh_family_person ON idp.refresh_family (user_id, client_id)")


def downgrade() -> None:
    op.execute("DROP INDEX idp.refresh_family_person")
    op.execute("ALTER TABLE idp.device DROP COLUMN name")
    op.execute("ALTER TABLE idp.user_account DROP COLUMN time_zone")
    op.execute("DROP TABLE idp.notice_setting")
    op.execute("DROP TABLE idp.sign_in_history")
