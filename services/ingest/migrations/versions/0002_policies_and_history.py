"""Keep what was told and when it was known, policies by version, and re-assessments."""

from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = (
    "ALTER TABLE fact ADD COLUMN known_at timestamptz",
    "UPDATE fact SET known_at = recorded_at",
    "ALTER TABLE fact ALTER COLUMN known_at SET NOT NULL",
    "ALTER TABLE account ADD COLUMN packs text NOT NULL DEFAULT ''",
    "ALTER TABLE account ALTER COLUMN packs DROP DEFAULT",
    # What is there was folded by the shipped packs, all in their first version.
    """UPDATE account SET packs = (folded::jsonb -> 3 ->> 3) || '@1' || coalesce((
           SELECT string_agg(' ' || name || '@1', '' ORDER BY place)
           FROM jsonb_array_elements_text(folded::jsonb -> 3 -> 4) WITH ORDINALITY AS c (name, place)), '')
       WHERE currency IS NOT NULL""",
)
CREATE = (
    """CREATE TABLE status (
        account_id text, version bigint, told_at timestamptz NOT NULL, event_id text NOT NULL, body text NOT NULL,
        PRIMARY KEY (account_id, version)
    )""",
    """CREATE TABLE packs_until (
        account_id text, until_at timestamptz, packs text NOT NULL,
        PRIMARY KEY (account_id, until_at)
    )""",
    """CREATE TABLE policy_version (
        name text, version integer, document jsonb NOT NULL,
        drafted_by text NOT NULL, drafted_at timestamptz NOT NULL,
        PRIMARY KEY (name, version)
    )""",
    """CREATE TABLE policy_activation (
        activation bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, version integer NOT NULL,
        activated_by text NOT NULL, activated_at timestamptz NOT NULL,
        FOREIGN KEY (name, version) REFERENCES policy_version
    )""",
    """CREATE TABLE job (
        job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL,
        policy text, policy_version integer, asked_by text NOT NULL, asked_at timestamptz NOT NULL
    )""",
    """CREATE TABLE job_shard (
        job_id bigint REFERENCES job, shard integer,
        total bigint NOT NULL, done bigint NOT NULL, changed bigint NOT NULL, errors bigint NOT NULL,
        after_account_id text NOT NULL,
        started_at timestamptz, moved_at timestamptz, finished_at timestamptz,
        PRIMARY KEY (job_id, shard)
    )""",
    "CREATE INDEX job_shard_unfinished ON job_shard (shard, job_id) WHERE finished_at IS NULL",
    """CREATE TABLE job_account (
        job_id bigint REFERENCES job, account_id text,
        PRIMARY KEY (job_id, account_id)
    )""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$""",
)
INSERTED_ONLY = ("fact", "status", "packs_until", "policy_version", "policy_activation")


def upgrade() -> None:
    """Add to what is there, create the rest, and have the database keep what may not change."""
    for statement in (*COLUMNS, *CREATE):
        op.execute(statement)
    for name in INSERTED_ONLY:
        op.execute(
            f"CREATE TRIGGER inserted_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
