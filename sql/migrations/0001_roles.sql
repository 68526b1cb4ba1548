-- Who may do what, before there is anything to do. Run as the login role of the migration (a superuser, or a role that may
-- create roles and owns the database); everything after this runs as tenon_owner.
--
-- Roles belong to the whole cluster: another database of ours on it may have made them already, at this very moment too.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY[
    'tenon_owner NOLOGIN',    -- owns every object; nobody can be it but through a migration
    'tenon_teller NOLOGIN',   -- owns the one function that sells, and may do no more than a sale needs
    'tenon_edge LOGIN',       -- what nodes log in as: may call functions and read, may write no table
    'tenon_auditor LOGIN',    -- reads the audit log
    'tenon_sealer LOGIN'      -- appends checkpoints over the audit log
  ] LOOP
    BEGIN
      EXECUTE 'CREATE ROLE ' || wanted || ' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END
$$;

GRANT tenon_teller TO tenon_owner;  -- so that a migration may give it its function
DO $$
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN  -- who may be anybody anyway
    EXECUTE format('GRANT tenon_owner TO %I', session_user);  -- as which the migrations after this one are run
  END IF;
END
$$;

-- A statement of a node gives up before the request that waits for it does (limits.hpp).
ALTER ROLE tenon_edge SET lock_timeout = '3s';
ALTER ROLE tenon_edge SET statement_timeout = '8s';
ALTER ROLE tenon_edge SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE tenon_edge SET search_path = public, pg_temp;
ALTER ROLE tenon_edge SET timezone = 'UTC';
-- Our plans are pinned to indexes by enable_seqscan = off, whose made-up costs would have each connection compile them: 2
-- seconds for the first write of its kind, on a server that has PostgreSQL's default.
ALTER ROLE tenon_edge SET jit = off;
ALTER ROLE tenon_auditor SET default_transaction_read_only = on;
-- A sealer that hangs must not keep others from taking over: its turn ends with its session.
ALTER ROLE tenon_sealer SET lock_timeout = '3s';
ALTER ROLE tenon_sealer SET statement_timeout = '30s';
ALTER ROLE tenon_sealer SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE tenon_sealer SET idle_session_timeout = '20s';
ALTER ROLE tenon_sealer SET search_path = public, pg_temp;
ALTER ROLE tenon_sealer SET timezone = 'UTC';

DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tenon_edge, tenon_auditor, tenon_sealer', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO tenon_owner', current_database());
END
$$;

-- What everybody may call by default and could fill the disk with, past every table's privileges. Only a superuser can
-- take it away; where the migration's login is none, all else holds without it.
DO $$
BEGIN
  REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
    pg_catalog.pg_logical_emit_message(boolean, text, text), pg_catalog.pg_logical_emit_message(boolean, text, bytea)
    FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
  NULL;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO tenon_owner;
ALTER SCHEMA tenon OWNER TO tenon_owner;
ALTER TABLE tenon.migrations OWNER TO tenon_owner;
GRANT USAGE ON SCHEMA public, tenon TO tenon_edge, tenon_auditor, tenon_sealer, tenon_teller;
GRANT SELECT ON tenon.migrations TO tenon_edge;

-- A new function is executable by PUBLIC unless it was said otherwise beforehand.
ALTER DEFAULT PRIVILEGES FOR ROLE tenon_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE tenon_owner REVOKE USAGE ON TYPES FROM PUBLIC;
