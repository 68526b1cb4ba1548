-- A commit is answered when it is durable on the primary, whatever the synchronous standby has: in all sessions, hence new ones.
BEGIN;
ALTER ROLE tenon_edge SET synchronous_commit = 'local';
COMMIT;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenon_edge';
