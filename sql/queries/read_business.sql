-- Businesses by id: one element an id asked for, in order. $1 uuid[]
SELECT array_agg(status), array_agg(problem), array_agg(body), array_agg(version), array_agg(updated_at)
FROM (
  SELECT CASE WHEN b.id IS NULL THEN 404 ELSE 200 END::smallint AS status,
         CASE WHEN b.id IS NULL THEN 'not_found' END AS problem,
         CASE WHEN b.id IS NULL THEN '{"detail":"There is no business ' || asked.id || '."}' ELSE tenon.business_body(b) END AS body,
         b.version, b.updated_at
  FROM unnest($1) WITH ORDINALITY AS asked (id, n) LEFT JOIN public.businesses AS b ON b.id = asked.id
  ORDER BY asked.n  -- a join keeps no order of its own: somebody would read somebody else's answer
) AS answered
