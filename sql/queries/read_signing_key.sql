-- Signing keys by id, for the nodes themselves: with their material. One element an id asked for, in order. $1 uuid[]
SELECT array_agg(status), array_agg(problem), array_agg(body), array_agg(NULL::bigint), array_agg(NULL::timestamptz)
FROM (
  SELECT CASE WHEN k.id IS NULL THEN 404 ELSE 200 END::smallint AS status,
         CASE WHEN k.id IS NULL THEN 'not_found' END AS problem,
         CASE WHEN k.id IS NULL THEN '{}' ELSE json_build_object(
           'user', k.user_id, 'algorithm', k.algorithm, 'material', k.material,
           'expires_seconds', ceil(extract(epoch FROM k.expires_at))::bigint, 'revoked', k.revoked_at IS NOT NULL)::text END AS body
  FROM unnest($1) WITH ORDINALITY AS asked (id, n) LEFT JOIN public.signing_keys AS k ON k.id = asked.id
  ORDER BY asked.n
) AS answered
