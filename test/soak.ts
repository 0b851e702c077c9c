/**
 * The tests that take their time, for a nightly run: 6,000 random edits of random children on a real API server.
 *
 * Usage: npm run test:soak
 */
process.env['DRIFT_EDITS'] ??= '6000'
process.argv.push('integration', 'random-drift')
await import('../scripts/test/main.ts')
