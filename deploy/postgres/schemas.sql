-- A schema per service in the database that psql is connected to; run as the superuser after roles.sql, any number of times.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

SELECT format('REVOKE ALL ON DATABASE %1$I FROM PUBLIC; '
              'GRANT CONNECT ON DATABASE %1$I TO ingest, strategy, contact, reporting, bi; '
              'GRANT TEMPORARY ON DATABASE %1$I TO ingest, strategy, contact, reporting', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS ingest AUTHORIZATION ingest;
CREATE SCHEMA IF NOT EXISTS strategy AUTHORIZATION strategy;
CREATE SCHEMA IF NOT EXISTS contact AUTHORIZATION contact;
CREATE SCHEMA IF NOT EXISTS reporting AUTHORIZATION reporting;

-- What BI may read there is granted table by table by reporting's migrations: its dead letters hold payloads.
GRANT USAGE ON SCHEMA reporting TO bi;
