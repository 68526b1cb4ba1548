-- One page of the legislation in order of substance and state. $1 substance, $2 state, $3 status, $4 after (substance), $5 after
-- (state): text[]; $6 limit integer[]; one element each (a list is not batched). The cursor is "STATE:substance".
WITH page AS (
  SELECT law, law.substance, law.jurisdiction_id
  FROM public.legislation AS law
  WHERE ($1[1] IS NULL OR law.substance = $1[1])
    AND ($2[1] IS NULL OR law.jurisdiction_id = $2[1])
    AND ($3[1] IS NULL OR law.status = $3[1])
    AND ($4[1] IS NULL OR (law.substance, law.jurisdiction_id::text) > ($4[1], $5[1]))
  ORDER BY law.substance, law.jurisdiction_id
  LIMIT $6[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY substance, jurisdiction_id LIMIT $6[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.legislation_body(law), ',' ORDER BY substance, jurisdiction_id)
                                       FROM shown), '')
             || '],"next_cursor":' || CASE WHEN (SELECT count(*) FROM page) > $6[1]
                     THEN (SELECT to_json(jurisdiction_id || ':' || substance)::text FROM shown
                           ORDER BY substance DESC, jurisdiction_id DESC LIMIT 1) ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
