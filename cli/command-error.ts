/** Ends the command with a message for the user and exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError'
}
