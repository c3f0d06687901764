/** For each statement that reads rows of the source. */
export const limitSeconds = 5
/** The source is asked when a condition has not changed for this long. */
export const typingPauseMs = 500
