-- One page of the audit log, newest first. $1 before (id), $2 entity, $3 actor, $4 action, $5 from, $6 to, $7 limit: arrays of
-- one element each (a list is not batched).
WITH page AS (
  SELECT * FROM public.audit_logs
  WHERE ($1[1] IS NULL OR id < $1[1])
    AND ($2[1] IS NULL OR entity_id = $2[1])
    AND ($3[1] IS NULL OR actor = $3[1])
    AND ($4[1] IS NULL OR action = $4[1])
    AND ($5[1] IS NULL OR at >= $5[1])
    AND ($6[1] IS NULL OR at < $6[1])
  ORDER BY id DESC
  LIMIT $7[1] + 1
), shown AS (
  SELECT * FROM page ORDER BY id DESC LIMIT $7[1]
), rendered AS (
  SELECT id, json_build_object('id', id, 'at', tenon.iso(at), 'actor', actor, 'role', role, 'action', action,
                               'entity_kind', entity_kind, 'entity_id', entity_id, 'before', before::json, 'after', after::json,
                               'request_id', request_id, 'idempotency_key', idempotency_key)::text AS entry
  FROM shown
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(entry, ',' ORDER BY id DESC) FROM rendered), '') || '],"next_cursor":'
             || CASE WHEN (SELECT count(*) FROM page) > $7[1]
                     THEN '"' || (SELECT min(id) FROM shown) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
