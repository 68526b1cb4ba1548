-- Businesses by id: one element an id asked for, in that order. $1 uuid[]
SELECT array_agg(CASE WHEN b.id IS NULL THEN 404 ELSE 200 END::smallint ORDER BY n),
       array_agg(CASE WHEN b.id IS NULL THEN 'not_found' END ORDER BY n),
       array_agg(CASE WHEN b.id IS NULL THEN '{"detail":"There is no business ' || asked.id || '."}'
                      ELSE tenon.business_body(b) END ORDER BY n),
       array_agg(b.version ORDER BY n), array_agg(b.updated_at ORDER BY n)
FROM unnest($1) WITH ORDINALITY AS asked (id, n) LEFT JOIN public.businesses AS b ON b.id = asked.id
