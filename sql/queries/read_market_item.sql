-- Items of the black market by id: one element an id asked for, in that order. $1 uuid[]
SELECT array_agg(CASE WHEN i.id IS NULL THEN 404 ELSE 200 END::smallint ORDER BY n),
       array_agg(CASE WHEN i.id IS NULL THEN 'not_found' END ORDER BY n),
       array_agg(CASE WHEN i.id IS NULL THEN '{"detail":"There is no item ' || asked.id || ' on the market."}'
                      ELSE tenon.market_item_body(i) END ORDER BY n),
       array_agg(i.version ORDER BY n), array_agg(i.updated_at ORDER BY n)
FROM unnest($1) WITH ORDINALITY AS asked (id, n) LEFT JOIN public.market_items AS i ON i.id = asked.id
