-- What freeing expired idempotency keys costs: DELETE in batches of 10,000 and VACUUM, against truncating a partition.
-- psql -X -f bench/key-sweep.sql -v rows=300000 as a superuser, on a database of a node that is not in use.
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.cpu_ms() RETURNS double precision LANGUAGE sql VOLATILE AS
  $$ SELECT (split_part(s, ' ', 14)::float + split_part(s, ' ', 15)::float) * 10 FROM pg_read_file('/proc/self/stat') AS s $$;
CREATE TABLE swept (LIKE public.idempotency_keys INCLUDING DEFAULTS) WITH (autovacuum_enabled = off);
CREATE UNIQUE INDEX ON swept (claim);
CREATE INDEX ON swept (expires_at);  -- without it, finding what has expired reads the whole table
CREATE TABLE turned (LIKE public.idempotency_keys INCLUDING DEFAULTS) WITH (autovacuum_enabled = off);
CREATE UNIQUE INDEX ON turned (claim);

CREATE PROCEDURE pg_temp.fill(wanted regclass, rows integer) LANGUAGE plpgsql AS $$
DECLARE
  lsn CONSTANT pg_lsn := pg_current_wal_insert_lsn();
  cpu CONSTANT double precision := pg_temp.cpu_ms();
BEGIN
  EXECUTE format($s$
    INSERT INTO %s (claim, slot, status_code, version, modified, expires_at, request_hash, scope, user_id, key, summary)
    SELECT gen_random_uuid(), 0, 200, 1, now(), now() - interval '1 s', sha256(n::text::bytea), 'inventory:update', 'clerk-1',
           n::text, repeat('x', 270) FROM generate_series(1, %s) AS n $s$, wanted, rows);
  RAISE WARNING '%: storing %: % bytes of WAL and % us of CPU a key', wanted, rows,
    round((pg_current_wal_insert_lsn() - lsn) / rows), round(((pg_temp.cpu_ms() - cpu) * 1000 / rows)::numeric, 1);
END $$;
CHECKPOINT;
CALL pg_temp.fill('swept', :rows);
CHECKPOINT;
CALL pg_temp.fill('turned', :rows);

CREATE PROCEDURE pg_temp.sweep() LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
BEGIN
  LOOP
    DELETE FROM swept WHERE ctid IN (SELECT ctid FROM swept WHERE expires_at < now() LIMIT 10000);
    GET DIAGNOSTICS gone = ROW_COUNT;
    COMMIT;
    EXIT WHEN gone = 0;
  END LOOP;
END $$;
CHECKPOINT;
SELECT pg_current_wal_insert_lsn() AS lsn, pg_temp.cpu_ms() AS cpu, clock_timestamp() AS began \gset
CALL pg_temp.sweep();
VACUUM swept;
SELECT format('DELETE and VACUUM: %s bytes of WAL, %s us of CPU a key; %s ms in all', round((pg_current_wal_insert_lsn() - :'lsn') / :rows),
              round(((pg_temp.cpu_ms() - :cpu) * 1000 / :rows)::numeric, 2), round(extract(epoch FROM clock_timestamp() - :'began') * 1000));
CHECKPOINT;
SELECT pg_current_wal_insert_lsn() AS lsn, pg_temp.cpu_ms() AS cpu, clock_timestamp() AS began \gset
TRUNCATE turned;
SELECT format('TRUNCATE: %s bytes of WAL, %s us of CPU a key; %s ms in all', round((pg_current_wal_insert_lsn() - :'lsn') / :rows, 3),
              round(((pg_temp.cpu_ms() - :cpu) * 1000 / :rows)::numeric, 3), round(extract(epoch FROM clock_timestamp() - :'began') * 1000));
DROP TABLE swept, turned;
