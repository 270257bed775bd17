/*
 * av_log - what the FFmpeg libraries say, brought into our log.
 *
 * Every fault that matters to a person is reported by the code that met it, with a remedy; the libraries'
 * own lines are the detail behind it. So they go to the log at debug level (fatal ones as warnings), and the
 * first error line of an operation is kept, because a return code like "Input/output error" hides what the
 * innermost layer said ("certificate does not match host name"). Secrets (a stream key is part of the URL
 * that the libraries print) are redacted by the log and in what av_error_describe returns.
 */
#ifndef STREAM_AV_LOG_H
#define STREAM_AV_LOG_H

/* Sends the libraries' lines to our log from now on, and bounds what they may allocate at once (512 MiB: no sound, frame
 * or packet comes near). May be called more than once. Process-wide. */
void av_log_install(void);

/* Forgets the calling thread's error line; call before the operation that may fail. */
void av_log_forget(void);

enum { AV_ERROR_TEXT_BYTES = 320 };
struct av_error_text {
    char text[AV_ERROR_TEXT_BYTES];
};

/* "Input/output error (tls: The certificate is not trusted)": the code in words, and the calling thread's
 * first error line since av_log_forget when there is one. Secrets are redacted. */
struct av_error_text av_error_describe(int code);

#endif
