-- One page of the audit log, newest first. $1 before (id), $2 what the first page saw (a snapshot), $3 entity, $4 actor, $5 action,
-- $6 from, $7 to, $8 limit: arrays of one element each (a list is not batched).
--
-- Ids are given out in another order than transactions commit, so that an entry with a lower id may appear after a page went
-- past it. Every page of a walk therefore shows what the first one saw and nothing else: that set never changes, since nothing is
-- ever changed or removed.
WITH seen AS MATERIALIZED (
  SELECT coalesce($2[1]::pg_snapshot, pg_current_snapshot()) AS snapshot
), page AS (
  SELECT * FROM public.audit_logs
  WHERE ($1[1] IS NULL OR id < $1[1])
    AND pg_visible_in_snapshot(transaction_id, (SELECT snapshot FROM seen))
    AND ($3[1] IS NULL OR entity_id = $3[1])
    AND ($4[1] IS NULL OR actor = $4[1])
    AND ($5[1] IS NULL OR action = $5[1])
    AND ($6[1] IS NULL OR at >= $6[1])
    AND ($7[1] IS NULL OR at < $7[1])
  ORDER BY id DESC
  LIMIT $8[1] + 1
), shown AS (
  SELECT * FROM page ORDER BY id DESC LIMIT $8[1]
), rendered AS (
  SELECT id, json_build_object('id', id, 'at', tenon.iso(at), 'actor', actor, 'role', role, 'action', action,
                               'entity_kind', entity_kind, 'entity_id', entity_id, 'before', before::json, 'after', after::json,
                               'request_id', request_id, 'idempotency_key', idempotency_key)::text AS entry
  FROM shown
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(entry, ',' ORDER BY id DESC) FROM rendered), '') || '],"next_cursor":'
             || CASE WHEN (SELECT count(*) FROM page) > $8[1]
                     THEN '"' || (SELECT min(id) FROM shown) || '~' || (SELECT snapshot FROM seen) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
