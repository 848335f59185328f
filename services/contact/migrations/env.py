"""Contact's migration chain, run by the shared environment."""

from shared.runtime import migration_env

migration_env.run()
