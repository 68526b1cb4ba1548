-- One page of the businesses in order of creation, and how many there are in all. $1 owner, $2 company, $3 category, $4 status,
-- $5 state, $6 city: text[]; $7 limit, $8 skip: integer[]. Arrays of one element each (a list is not batched).
WITH matching AS MATERIALIZED (
  SELECT id FROM public.businesses
  WHERE ($1[1] IS NULL OR owner_id = $1[1])
    AND ($2[1] IS NULL OR company_id = $2[1])
    AND ($3[1] IS NULL OR category = $3[1])
    AND ($4[1] IS NULL OR status = $4[1])
    AND ($5[1] IS NULL OR state = $5[1])
    AND ($6[1] IS NULL OR city = $6[1])
), page AS (
  SELECT b, b.id FROM public.businesses AS b
  WHERE b.id IN (SELECT id FROM matching ORDER BY id OFFSET $8[1] LIMIT $7[1])
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.business_body(b), ',' ORDER BY id) FROM page), '')
             || '],"total":' || (SELECT count(*) FROM matching) || ',"limit":' || $7[1] || ',"skip":' || $8[1] || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
