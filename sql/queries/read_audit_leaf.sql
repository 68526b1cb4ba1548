-- What a proof of one entry begins with: its fields as exported (docs/formats/audit-log.md), the level-0 tile that it stands in,
-- and the newest checkpoint. $1 id: an array of one element.
WITH entry AS (
  SELECT * FROM public.audit_logs WHERE id = $1[1] LIMIT 1
), newest AS (
  SELECT * FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1
), sealed AS (
  SELECT entry.* FROM entry, newest WHERE (entry.transaction_id, entry.id) <= (newest.transaction_id, newest.last_id)
), tile AS (
  SELECT index, hashes FROM tenon.audit_tiles
  WHERE level = 0
    AND (first_transaction_id, first_id) <= ((SELECT transaction_id FROM sealed), (SELECT id FROM sealed))
  ORDER BY first_transaction_id DESC, first_id DESC
  LIMIT 1
)
SELECT ARRAY[CASE WHEN entry.id IS NULL THEN 404 WHEN sealed.id IS NULL THEN 409 ELSE 200 END::smallint],
       ARRAY[CASE WHEN entry.id IS NULL THEN 'not_found' WHEN sealed.id IS NULL THEN 'not_sealed' END],
       ARRAY[CASE WHEN entry.id IS NULL THEN '{"detail":"There is no entry ' || asked.id || '."}'
             WHEN sealed.id IS NULL THEN '{"detail":"Entry ' || asked.id || ' is not sealed yet."}'
             ELSE json_build_object(
               'id', sealed.id::text, 'transaction_id', sealed.transaction_id::text,
               'at_microseconds', (extract(epoch FROM sealed.at) * 1000000)::bigint::text, 'entity_id', sealed.entity_id,
               'action', sealed.action, 'entity_kind', sealed.entity_kind, 'actor', sealed.actor, 'role', sealed.role,
               'request_id', sealed.request_id, 'idempotency_key', sealed.idempotency_key, 'before', sealed.before,
               'after', sealed.after, 'tile', tile.index::text, 'hashes', encode(tile.hashes, 'hex'),
               'size', newest.size::text, 'note', newest.note)::text END],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
FROM (SELECT $1[1] AS id) AS asked LEFT JOIN entry ON true LEFT JOIN sealed ON true LEFT JOIN tile ON true LEFT JOIN newest ON true
