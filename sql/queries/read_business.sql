-- Businesses by id: one element an id asked for, in order. $1 uuid[]
SELECT array_agg(CASE WHEN b.id IS NULL THEN 404 ELSE 200 END::smallint),
       array_agg(CASE WHEN b.id IS NULL THEN 'not_found' END),
       array_agg(CASE WHEN b.id IS NULL THEN '{"detail":"There is no business ' || asked.id || '."}'
                      ELSE tenon.business_body(b) END),
       array_agg(b.version), array_agg(b.updated_at)
FROM unnest($1) AS asked (id) LEFT JOIN public.businesses AS b ON b.id = asked.id
