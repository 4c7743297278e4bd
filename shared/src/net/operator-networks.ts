/**
 * Private networks in which an operator's own servers are (a vault, a collector of traces). For addresses that only the operator's
 * settings can name: what tenants may connect to is `EGRESS_ALLOW_CIDRS`, and nothing here opens it. Link-local addresses, and with
 * them the metadata services of clouds, are not in it.
 */
export const OPERATOR_NETWORKS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  'fc00::/7',
  '::1/128',
];
