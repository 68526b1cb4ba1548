-- Items of the black market by id: one element an id asked for, in order. $1 uuid[]
SELECT array_agg(CASE WHEN i.id IS NULL THEN 404 ELSE 200 END::smallint),
       array_agg(CASE WHEN i.id IS NULL THEN 'not_found' END),
       array_agg(CASE WHEN i.id IS NULL THEN '{"detail":"There is no item ' || asked.id || ' on the market."}'
                      ELSE tenon.market_item_body(i) END),
       array_agg(i.version), array_agg(i.updated_at)
FROM unnest($1) AS asked (id) LEFT JOIN public.market_items AS i ON i.id = asked.id
