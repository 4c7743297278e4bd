/**
 * What the database itself sees of leases: a trigger that knows which process each session belongs to, and writes down who took a
 * lease that another still held, and who moved a cursor without holding the lease.
 *
 * Sessions name their process by the setting `chaos.replica` (`daemon-1.3`: its third start), which the harness puts into the URL.
 */
import type pg from 'pg';

const WATCH = `
CREATE SCHEMA chaos;
CREATE TABLE chaos.holders (provider uuid PRIMARY KEY, replica text NOT NULL);
CREATE TABLE chaos.findings (at timestamptz NOT NULL DEFAULT clock_timestamp(), kind text NOT NULL, detail text NOT NULL);
CREATE FUNCTION chaos.watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  me text := current_setting('chaos.replica', true);
  holder text := (SELECT replica FROM chaos.holders WHERE provider = NEW.email_provider_id);
BEGIN
  IF coalesce(me, '') = '' THEN RETURN NEW; END IF;
  IF NEW.lease_epoch <> OLD.lease_epoch THEN
    IF OLD.lease_owner IS NOT NULL AND OLD.lease_expires_at > now() AND holder <> me THEN
      INSERT INTO chaos.findings (kind, detail)
      VALUES ('two owners', format('%s took mailbox %s while %s held it', me, NEW.email_provider_id, holder));
    END IF;
    INSERT INTO chaos.holders VALUES (NEW.email_provider_id, me)
    ON CONFLICT (provider) DO UPDATE SET replica = excluded.replica;
  ELSIF NEW.folder_state IS DISTINCT FROM OLD.folder_state AND (holder IS DISTINCT FROM me OR NEW.lease_owner IS NULL) THEN
    INSERT INTO chaos.findings (kind, detail)
    VALUES ('stale write', format('%s moved a cursor of mailbox %s, which %s holds', me, NEW.email_provider_id, coalesce(holder, 'nobody')));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER chaos_watch BEFORE UPDATE ON imap_email_provider_config FOR EACH ROW EXECUTE FUNCTION chaos.watch();`;

export async function watchOwnership(client: pg.Client): Promise<void> {
  await client.query(WATCH);
}
