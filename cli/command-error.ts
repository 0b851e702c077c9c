/** Ends the command with a sentence for the user, and status 1. */
export class CommandError extends Error {
  override name = 'CommandError'
}
