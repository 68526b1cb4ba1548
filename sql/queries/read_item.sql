-- Items by id: one element an id asked for, in order. $1 uuid[]
SELECT array_agg(status), array_agg(problem), array_agg(body), array_agg(version), array_agg(updated_at)
FROM (
  SELECT CASE WHEN i.id IS NULL THEN 404 ELSE 200 END::smallint AS status,
         CASE WHEN i.id IS NULL THEN 'not_found' END AS problem,
         CASE WHEN i.id IS NULL THEN '{"detail":"There is no item ' || asked.id || '."}' ELSE tenon.item_body(i) END AS body,
         i.version::bigint, i.updated_at  -- of a domain there would be another kind of array
  FROM unnest($1) WITH ORDINALITY AS asked (id, n) LEFT JOIN public.inventory AS i ON i.id = asked.id
  ORDER BY asked.n  -- a join keeps no order of its own: somebody would read somebody else's answer
) AS answered
