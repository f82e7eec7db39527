// What the SQL bridge needs from C: an interrupt that cancels a running statement, and libpq by dlopen.
#ifndef CSQLBRIDGE_H
#define CSQLBRIDGE_H

#include <stddef.h>

// Interrupts ----------------------------------------------------------------------------------------------------

// Catches SIGINT from now on. Returns 0, or an errno.
int sqlbridge_catch_interrupts(void);
// Readable while an interrupt is pending; for poll.
int sqlbridge_interrupt_descriptor(void);
// Whether SIGINT came since the last sqlbridge_forget_interrupt.
int sqlbridge_interrupted(void);
void sqlbridge_forget_interrupt(void);
// The call that stops what runs, made inside the signal handler; NULL for none. It must be safe there.
void sqlbridge_cancel_with(void (*cancel)(void *), void *argument);
// For sqlite3_progress_handler: closes the gap between "not interrupted yet" and "running".
int sqlbridge_progress(void *unused);

// libpq ---------------------------------------------------------------------------------------------------------
// The part of its interface that is used, as of PostgreSQL 10 and unchanged since. Loaded when the first PostgreSQL
// connection is made, so that neither the kernel nor a user without PostgreSQL needs the library.

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;
typedef struct pg_cancel PGcancel;

struct sqlbridge_libpq {
  PGconn *(*connect_start)(const char *const *keywords, const char *const *values, int expand_dbname);
  int (*connect_poll)(PGconn *);
  int (*status)(const PGconn *);
  int (*socket)(const PGconn *);
  char *(*error_message)(const PGconn *);
  void (*finish)(PGconn *);
  char *(*db)(const PGconn *);
  int (*server_version)(const PGconn *);
  int (*transaction_status)(const PGconn *);
  void *(*set_notice_receiver)(PGconn *, void (*receiver)(void *, const PGresult *), void *);
  int (*send_query_params)(PGconn *, const char *sql, int count, const unsigned *types, const char *const *values,
                           const int *lengths, const int *formats, int result_format);
  int (*set_single_row_mode)(PGconn *);
  int (*consume_input)(PGconn *);
  int (*is_busy)(PGconn *);
  PGresult *(*get_result)(PGconn *);
  int (*result_status)(const PGresult *);
  char *(*result_error_field)(const PGresult *, int field);
  char *(*result_error_message)(const PGresult *);
  char *(*cmd_status)(PGresult *);
  int (*ntuples)(const PGresult *);
  int (*nfields)(const PGresult *);
  char *(*fname)(const PGresult *, int column);
  unsigned (*ftype)(const PGresult *, int column);
  int (*getisnull)(const PGresult *, int row, int column);
  int (*getlength)(const PGresult *, int row, int column);
  char *(*getvalue)(const PGresult *, int row, int column);
  void (*clear)(PGresult *);
  PGcancel *(*get_cancel)(PGconn *);
  int (*cancel)(PGcancel *, char *error, int size);
  void (*free_cancel)(PGcancel *);
  int (*get_copy_data)(PGconn *, char **buffer, int async);
  int (*put_copy_data)(PGconn *, const char *buffer, int count);
  int (*put_copy_end)(PGconn *, const char *error);
  void (*freemem)(void *);
};

// NULL when the library or a function of it is not there; *problem then says what.
const struct sqlbridge_libpq *sqlbridge_load_libpq(const char **problem);

#endif
