/** The databases must be inspected, or migrated, again: the Job is deleted and created again. */
export interface DatabaseRecheck {
  /** Name of the Job. */
  job: string
  /** When. */
  at: Date
}
