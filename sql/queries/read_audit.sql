-- One entry of the audit log. $1 id: an array of one element.
SELECT ARRAY[CASE WHEN a.id IS NULL THEN 404 ELSE 200 END::smallint],
       ARRAY[CASE WHEN a.id IS NULL THEN 'not_found' END],
       ARRAY[CASE WHEN a.id IS NULL THEN '{"detail":"There is no entry ' || asked.id || '."}'
             ELSE json_build_object('id', a.id, 'at', tenon.iso(a.at), 'actor', a.actor, 'role', a.role, 'action', a.action,
                                    'entity_kind', a.entity_kind, 'entity_id', a.entity_id, 'before', a.before::json,
                                    'after', a.after::json, 'request_id', a.request_id,
                                    'idempotency_key', a.idempotency_key)::text END],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
FROM (SELECT $1[1] AS id) AS asked LEFT JOIN public.audit_logs AS a ON a.id = asked.id
LIMIT 1
