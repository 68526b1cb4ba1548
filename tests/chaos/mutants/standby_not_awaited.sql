-- A commit is answered when it is durable on the primary, whatever the synchronous standby has.
ALTER ROLE tenon_edge SET synchronous_commit = 'local';
