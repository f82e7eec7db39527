#include "CSQLBridge.h"

#include <dlfcn.h>
#include <stddef.h>

static struct sqlbridge_libpq library;

static const struct {
  const char *name;
  size_t place;
} functions[] = {
    {"PQconnectStartParams", offsetof(struct sqlbridge_libpq, connect_start)},
    {"PQconnectPoll", offsetof(struct sqlbridge_libpq, connect_poll)},
    {"PQstatus", offsetof(struct sqlbridge_libpq, status)},
    {"PQsocket", offsetof(struct sqlbridge_libpq, socket)},
    {"PQerrorMessage", offsetof(struct sqlbridge_libpq, error_message)},
    {"PQfinish", offsetof(struct sqlbridge_libpq, finish)},
    {"PQdb", offsetof(struct sqlbridge_libpq, db)},
    {"PQserverVersion", offsetof(struct sqlbridge_libpq, server_version)},
    {"PQtransactionStatus", offsetof(struct sqlbridge_libpq, transaction_status)},
    {"PQsetNoticeReceiver", offsetof(struct sqlbridge_libpq, set_notice_receiver)},
    {"PQsendQueryParams", offsetof(struct sqlbridge_libpq, send_query_params)},
    {"PQsetSingleRowMode", offsetof(struct sqlbridge_libpq, set_single_row_mode)},
    {"PQconsumeInput", offsetof(struct sqlbridge_libpq, consume_input)},
    {"PQisBusy", offsetof(struct sqlbridge_libpq, is_busy)},
    {"PQgetResult", offsetof(struct sqlbridge_libpq, get_result)},
    {"PQresultStatus", offsetof(struct sqlbridge_libpq, result_status)},
    {"PQresultErrorField", offsetof(struct sqlbridge_libpq, result_error_field)},
    {"PQresultErrorMessage", offsetof(struct sqlbridge_libpq, result_error_message)},
    {"PQcmdStatus", offsetof(struct sqlbridge_libpq, cmd_status)},
    {"PQntuples", offsetof(struct sqlbridge_libpq, ntuples)},
    {"PQnfields", offsetof(struct sqlbridge_libpq, nfields)},
    {"PQfname", offsetof(struct sqlbridge_libpq, fname)},
    {"PQftype", offsetof(struct sqlbridge_libpq, ftype)},
    {"PQgetisnull", offsetof(struct sqlbridge_libpq, getisnull)},
    {"PQgetlength", offsetof(struct sqlbridge_libpq, getlength)},
    {"PQgetvalue", offsetof(struct sqlbridge_libpq, getvalue)},
    {"PQclear", offsetof(struct sqlbridge_libpq, clear)},
    {"PQgetCancel", offsetof(struct sqlbridge_libpq, get_cancel)},
    {"PQcancel", offsetof(struct sqlbridge_libpq, cancel)},
    {"PQfreeCancel", offsetof(struct sqlbridge_libpq, free_cancel)},
    {"PQgetCopyData", offsetof(struct sqlbridge_libpq, get_copy_data)},
    {"PQputCopyData", offsetof(struct sqlbridge_libpq, put_copy_data)},
    {"PQputCopyEnd", offsetof(struct sqlbridge_libpq, put_copy_end)},
    {"PQfreemem", offsetof(struct sqlbridge_libpq, freemem)},
};

const struct sqlbridge_libpq *sqlbridge_load_libpq(const char **problem) {
  static void *handle;
  if (handle) return &library;
  void *opened = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!opened) opened = dlopen("libpq.5.dylib", RTLD_NOW | RTLD_LOCAL);
  if (!opened) {
    *problem = dlerror();
    return NULL;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *function = dlsym(opened, functions[i].name);
    if (!function) {
      *problem = functions[i].name;
      dlclose(opened);
      return NULL;
    }
    *(void **)((char *)&library + functions[i].place) = function;
  }
  handle = opened;
  return &library;
}
