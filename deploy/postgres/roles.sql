-- A role per service, and one for BI tools; run by psql as the superuser, any number of times.
-- Passwords come from the environment: ARREARS_INGEST_PASSWORD and so on. A role owns its own schema only (schemas.sql).
\set ON_ERROR_STOP on
\set QUIET on
\getenv ingest_password ARREARS_INGEST_PASSWORD
\getenv strategy_password ARREARS_STRATEGY_PASSWORD
\getenv contact_password ARREARS_CONTACT_PASSWORD
\getenv reporting_password ARREARS_REPORTING_PASSWORD
\getenv bi_password ARREARS_BI_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['ingest', 'strategy', 'contact', 'reporting', 'bi']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE ingest PASSWORD :'ingest_password';
ALTER ROLE strategy PASSWORD :'strategy_password';
ALTER ROLE contact PASSWORD :'contact_password';
ALTER ROLE reporting PASSWORD :'reporting_password';
ALTER ROLE bi PASSWORD :'bi_password';

-- Table names are bare in the services' SQL: each role finds its own schema, and nobody else's.
ALTER ROLE ingest SET search_path = ingest;
ALTER ROLE strategy SET search_path = strategy;
ALTER ROLE contact SET search_path = contact;
ALTER ROLE reporting SET search_path = reporting;
ALTER ROLE bi SET search_path = reporting;

-- A BI tool reads; a query that it forgot must not hold the store up.
ALTER ROLE bi SET default_transaction_read_only = on;
ALTER ROLE bi SET statement_timeout = '60s';
