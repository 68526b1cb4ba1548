-- The newest signed checkpoint of the audit log, and the key. $1: an array of one element, of no meaning.
SELECT ARRAY[CASE WHEN newest.note IS NULL THEN 409 ELSE 200 END::smallint],
       ARRAY[CASE WHEN newest.note IS NULL THEN 'not_sealed' END],
       ARRAY[CASE WHEN newest.note IS NULL THEN '{"detail":"Nothing is sealed yet."}'
             ELSE json_build_object('note', newest.note, 'key', (SELECT verifier_key FROM tenon.audit_log_identity))::text END],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
FROM (SELECT $1[1]) AS asked
LEFT JOIN (SELECT note FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1) AS newest ON true
