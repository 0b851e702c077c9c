/**
 * `npm run test:soak`: long versions of some integration tests, for a nightly run. 6,000 random edits of random
 * children on a real API server, faults of the API server that last a minute each, an operator that is killed at every
 * write of a reconcile, and auth servers that are disconnected from their databases for a minute.
 */
process.env['DRIFT_EDITS'] ??= '6000'
process.env['FAULT_SECONDS'] ??= '60'
process.env['KILL_AT'] ??= 'every-write'
process.env['CUT_OFF_SECONDS'] ??= '60'
process.argv.push('integration', 'random-drift', 'operator/faults', 'sigkill', 'api-server/revocation')
await import('./main.ts')
