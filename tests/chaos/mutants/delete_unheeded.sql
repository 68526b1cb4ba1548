-- An item is deleted in the audit log and in the answer, and stays.
CREATE OR REPLACE FUNCTION tenon.delete_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old inventory;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  -- A change of its own, or the database would notice that the audit log tells of one that there was not.
  UPDATE inventory SET version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id;
  RETURN ROW(204, NULL, '', NULL, NULL, NULL,
             tenon.audit(command, 'DELETE_ITEM', 'item', old.id, tenon.item_body(old), NULL))::tenon.outcome;
END
$$;
