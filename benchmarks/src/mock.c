/* mock.c - a cheap mock of LLM provider HTTP APIs for benchmarks and failure tests.
 * One thread, epoll, HTTP/1.1 keep-alive, no dependencies.  cc -O2 -o mock mock.c
 *
 *   mock [-p PORT] [-b ADDR] [-d DIRECTIVES]
 *
 * Routes: POST /v1/chat/completions, /v1/completions, /v1/messages, /v1/embeddings, /v1/responses
 *         GET  /v1/models, /health, /__stats, /__last (last request as received), POST /__reset
 *         (any prefix before /v1/ is accepted, so a base URL with a path works)
 *
 * Directives, comma separated, from three places, the later wins: -d at start, a request header
 * "x-mock: ...", and the text after "mock:" up to the next quote or blank anywhere in the request
 * body (e.g. in "user", in "model" or in a message), which passes through any gateway:
 *   lat=MS   wait before the status line           gap=MS    wait between stream events (decimals ok)
 *   n=N      content events in a stream            burst=K   events per write (default 1)
 *   lead=K   the first K events come without a gap (default 1: the gap follows the first one)
 *   bytes=B  text bytes per content event          body=B    text bytes in a non-stream answer
 *   pt=,ct=  prompt and completion token counts (ct default: n)
 *   err=CODE answer with that status; ra=S adds retry-after: S
 *   every=K  failures (err, hang, reset, close, and the mid-stream ones) only on each K-th request
 *   hang=1   accept the request, never answer      hangafter=K  stream K events, then stay silent
 *   reset=1  TCP reset without an answer           resetafter=K stream K events, then TCP reset
 *   close=1  close without an answer               closeafter=K stream K events, then close (no end chunk)
 *   errafter=K stream K events, then an SSE error event
 *   chunked=1 chunked non-stream answer            usage=1   usage in the stream even if not asked for
 *   split=B  cut stream writes into pieces of B bytes (events torn across reads)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    double lat, gap;
    long n, bytes, body, pt, ct, err, ra, every, burst, split, lead;
    long hang, hangafter, reset, resetafter, close_, closeafter, errafter, chunked, usage;
} params;

enum { R_CHAT, R_COMPL, R_MSG, R_EMB, R_RESP, R_MODELS, R_HEALTH, R_STATS, R_LAST, R_RESETSTATS, R_404 };

enum { S_READ, S_WAIT, S_STREAM, S_HUNG, S_CLOSING };

typedef struct conn {
    int fd, st, route, stream, keep, want_out, i, total, dead;
    uint32_t gen;
    char *in;
    size_t inl, inc, scan;
    char *out;
    size_t outl, outo, outc;
    params p;
    char model[160];
    unsigned long id;
    struct conn *next_ready;
    int in_ready;
    struct conn *next_free;
} conn;

static params defaults = {.n = 16,
                          .bytes = 8,
                          .body = 200,
                          .pt = 25,
                          .ct = -1,
                          .burst = 1,
                          .lead = 1,
                          .every = 1,
                          .hangafter = -1,
                          .resetafter = -1,
                          .closeafter = -1,
                          .errafter = -1};
static int ep, tfd;
static unsigned long nreq, nconn, nopen, sstart, sdone, sabort, nfail, nlive, maxlive, evsent;
static char *last;
static size_t lastl, lastc;
static conn *ready_head, *ready_tail, *freelist;
static char filler[65536];
static long created;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* ---- timers: binary heap ---- */
typedef struct {
    uint64_t due;
    conn *c;
    uint32_t gen;
} titem;

static titem *heap;
static size_t hn, hc;
static uint64_t armed;

static void heap_push(uint64_t due, conn *c) {
    if (hn == hc) {
        hc = hc ? hc * 2 : 256;
        heap = realloc(heap, hc * sizeof *heap);
    }
    size_t i = hn++;
    while (i && heap[(i - 1) / 2].due > due) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = (titem){due, c, c->gen};
}

static titem heap_pop(void) {
    titem r = heap[0], x = heap[--hn];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= hn) break;
        if (k + 1 < hn && heap[k + 1].due < heap[k].due) k++;
        if (heap[k].due >= x.due) break;
        heap[i] = heap[k];
        i = k;
    }
    if (hn) heap[i] = x;
    return r;
}

static void arm(void) {
    uint64_t d = hn ? heap[0].due : 0;
    if (d == armed) return;
    armed = d;
    struct itimerspec t = {0};
    t.it_value.tv_sec = d / 1000000000ull;
    t.it_value.tv_nsec = d % 1000000000ull;
    timerfd_settime(tfd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- output ---- */
static void need(conn *c, size_t k) {
    if (c->outo && c->outo == c->outl) c->outo = c->outl = 0;
    if (c->outl + k > c->outc) {
        c->outc = (c->outl + k) * 2;
        c->out = realloc(c->out, c->outc);
    }
}

static void put(conn *c, const char *s, size_t k) {
    need(c, k);
    memcpy(c->out + c->outl, s, k);
    c->outl += k;
}

#define PUTS(c, s) put(c, s, sizeof(s) - 1)
static int putf(conn *c, const char *f, ...) __attribute__((format(printf, 2, 3)));

static int putf(conn *c, const char *f, ...) {
    va_list a;
    need(c, 1024);
    __builtin_va_start(a, f);
    int k = vsnprintf(c->out + c->outl, c->outc - c->outl, f, a);
    __builtin_va_end(a);
    if ((size_t)k >= c->outc - c->outl) {
        need(c, k + 1);
        __builtin_va_start(a, f);
        vsnprintf(c->out + c->outl, k + 1, f, a);
        __builtin_va_end(a);
    }
    c->outl += k;
    return k;
}

static void set_out(conn *c, int on) {
    if (c->want_out == on) return;
    c->want_out = on;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void kill_conn(conn *c, int rst) {
    if (c->dead) return;
    if (rst) {
        struct linger l = {1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    close(c->fd);
    c->dead = 1;
    c->gen++;
    nopen--;
    if (c->st != S_READ && c->st != S_CLOSING) nlive--;
    if (c->st == S_STREAM || (c->st == S_HUNG && c->stream)) sabort++;
    c->st = S_CLOSING;
    if (!c->in_ready) {
        c->next_free = freelist;
        freelist = c;
    }
}

static int flush(conn *c) { /* 0 = all sent, 1 = blocked, -1 = dead */
    while (c->outo < c->outl) {
        size_t k = c->outl - c->outo;
        if (c->st == S_STREAM && c->p.split > 0 && k > (size_t)c->p.split) k = c->p.split;
        ssize_t w = send(c->fd, c->out + c->outo, k, MSG_NOSIGNAL);
        if (w > 0) {
            c->outo += w;
            continue;
        }
        if (w < 0 && errno == EINTR) continue;
        if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            set_out(c, 1);
            return 1;
        }
        kill_conn(c, 0);
        return -1;
    }
    c->outo = c->outl = 0;
    set_out(c, 0);
    return 0;
}

static void ready(conn *c) {
    if (c->in_ready) return;
    c->in_ready = 1;
    c->next_ready = NULL;
    if (ready_tail)
        ready_tail->next_ready = c;
    else
        ready_head = c;
    ready_tail = c;
}

/* ---- directives ---- */
static void directives(params *p, const char *s, const char *e) {
    while (s < e) {
        const char *k = s;
        while (s < e && *s != '=' && *s != ',' && *s != ';') s++;
        size_t kl = s - k;
        double v = 1;
        if (s < e && *s == '=') {
            char b[32];
            size_t j = 0;
            s++;
            while (s < e && *s != ',' && *s != ';' && j < 31) b[j++] = *s++;
            b[j] = 0;
            v = atof(b);
        }
        if (s < e) s++;
#define K(name, field)                                                                                                 \
    if (kl == sizeof(name) - 1 && !memcmp(k, name, kl)) {                                                              \
        p->field = v;                                                                                                  \
        continue;                                                                                                      \
    }
        K("lat", lat)
        K("gap", gap)
        K("n", n) K("bytes", bytes) K("body", body) K("pt", pt) K("ct", ct) K("err", err) K("ra", ra) K("every", every)
            K("burst", burst) K("lead", lead) K("split", split) K("hang", hang) K("hangafter", hangafter)
                K("reset", reset) K("resetafter", resetafter) K("close", close_) K("closeafter", closeafter)
                    K("errafter", errafter) K("chunked", chunked) K("usage", usage)
    }
    if (p->bytes > 60000) p->bytes = 60000;
    if (p->burst < 1) p->burst = 1;
    if (p->every < 1) p->every = 1;
}

/* ---- answers ---- */
static const char *reason(long s) {
    switch (s) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 408: return "Request Timeout";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 529: return "Overloaded";
    }
    return "Status";
}

static void done(conn *c);

static void answer_raw(conn *c, long status, const char *extra, const char *body, size_t k) {
    if (c->p.chunked)
        putf(c,
             "HTTP/1.1 %ld %s\r\ncontent-type: application/json\r\nx-request-id: req_%lu\r\n%stransfer-encoding: "
             "chunked\r\n\r\n%zx\r\n",
             status, reason(status), c->id, extra, k);
    else
        putf(c,
             "HTTP/1.1 %ld %s\r\ncontent-type: application/json\r\nx-request-id: req_%lu\r\n%scontent-length: "
             "%zu\r\n\r\n",
             status, reason(status), c->id, extra, k);
    put(c, body, k);
    if (c->p.chunked) PUTS(c, "\r\n0\r\n\r\n");
}

static char *tmp;
static size_t tmpc;

static char *text(long n) { /* n bytes of plain words */
    if ((size_t)n + 1 > tmpc) {
        tmpc = n + 4096;
        tmp = realloc(tmp, tmpc);
    }
    for (long i = 0; i < n; i += sizeof filler)
        memcpy(tmp + i, filler, (size_t)(n - i) < sizeof filler ? (size_t)(n - i) : sizeof filler);
    tmp[n] = 0;
    return tmp;
}

static void answer(conn *c) {
    static char *b;
    static size_t bc;
    params *p = &c->p;
    int k = 0;
    long ct = p->ct >= 0 ? p->ct : p->n;
    size_t want = 4096 + p->body + lastl;
    if (bc < want) {
        bc = want * 2;
        b = realloc(b, bc);
    }
    switch (c->route) {
    case R_CHAT:
    case R_COMPL:
        if (c->route == R_CHAT)
            k = snprintf(b, bc,
                         "{\"id\":\"chatcmpl-%lu\",\"object\":\"chat.completion\",\"created\":%ld,\"model\":\"%s\","
                         "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":"
                         "null},\"logprobs\":null,\"finish_reason\":\"stop\"}],",
                         c->id, created, c->model, text(p->body));
        else
            k = snprintf(b, bc,
                         "{\"id\":\"cmpl-%lu\",\"object\":\"text_completion\",\"created\":%ld,\"model\":\"%s\","
                         "\"choices\":[{\"index\":0,\"text\":\"%s\",\"logprobs\":null,\"finish_reason\":\"stop\"}],",
                         c->id, created, c->model, text(p->body));
        k += snprintf(b + k, bc - k,
                      "\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld,\"prompt_tokens_"
                      "details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}},"
                      "\"system_fingerprint\":\"fp_mock\"}",
                      p->pt, ct, p->pt + ct);
        break;
    case R_MSG:
        k = snprintf(
            b, bc,
            "{\"id\":\"msg_%lu\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"%s\",\"content\":[{\"type\":"
            "\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_"
            "tokens\":%ld,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":%ld}}",
            c->id, c->model, text(p->body), p->pt, ct);
        break;
    case R_RESP:
        k = snprintf(b, bc,
                     "{\"id\":\"resp_%lu\",\"object\":\"response\",\"created_at\":%ld,\"status\":\"completed\","
                     "\"model\":\"%s\",\"output\":[{\"type\":\"message\",\"id\":\"msg_%lu\",\"status\":\"completed\","
                     "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"%s\",\"annotations\":[]}"
                     "]}],\"usage\":{\"input_tokens\":%ld,\"output_tokens\":%ld,\"total_tokens\":%ld}}",
                     c->id, created, c->model, c->id, text(p->body), p->pt, ct, p->pt + ct);
        break;
    case R_EMB:
        k = snprintf(
            b, bc,
            "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.0125,-0.25,0.5,0."
            "125,-0.0625,0.75,0.33,-0.4]}],\"model\":\"%s\",\"usage\":{\"prompt_tokens\":%ld,\"total_tokens\":%ld}}",
            c->model, p->pt, p->pt);
        break;
    case R_MODELS:
        k = snprintf(
            b, bc,
            "{\"object\":\"list\",\"data\":[{\"id\":\"mock-model\",\"object\":\"model\",\"created\":%ld,\"owned_by\":"
            "\"mock\"},{\"id\":\"mock-large\",\"object\":\"model\",\"created\":%ld,\"owned_by\":\"mock\"}]}",
            created, created);
        break;
    case R_HEALTH: k = snprintf(b, bc, "{\"status\":\"ok\"}"); break;
    case R_RESETSTATS:
        nreq = nconn = sstart = sdone = sabort = nfail = maxlive = evsent = 0;
        k = snprintf(b, bc, "{}");
        break;
    case R_STATS:
        k = snprintf(
            b, bc,
            "{\"requests\":%lu,\"connections\":%lu,\"open\":%lu,\"in_flight\":%lu,\"max_in_flight\":%lu,\"streams_"
            "started\":%lu,\"streams_done\":%lu,\"streams_aborted\":%lu,\"failures_injected\":%lu,\"events_sent\":%lu}",
            nreq, nconn, nopen, nlive - 1, maxlive, sstart, sdone, sabort, nfail, evsent);
        break;
    case R_LAST:
        answer_raw(c, 200, "", last ? last : "", lastl);
        done(c);
        return;
    default:
        k = snprintf(b, bc,
                     "{\"error\":{\"message\":\"no such "
                     "route\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
        answer_raw(c, 404, "", b, k);
        done(c);
        return;
    }
    answer_raw(c, 200, "", b, k);
    done(c);
}

static void answer_err(conn *c) {
    char b[512], x[64] = "";
    long s = c->p.err;
    int k =
        c->route == R_MSG
            ? snprintf(b, sizeof b, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"injected %ld\"}}",
                       s == 429   ? "rate_limit_error"
                       : s == 401 ? "authentication_error"
                       : s == 529 ? "overloaded_error"
                       : s < 500  ? "invalid_request_error"
                                  : "api_error",
                       s)
            : snprintf(b, sizeof b,
                       "{\"error\":{\"message\":\"injected %ld\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", s,
                       s == 429  ? "rate_limit_error"
                       : s < 500 ? "invalid_request_error"
                                 : "server_error",
                       s == 429   ? "rate_limit_exceeded"
                       : s == 401 ? "invalid_api_key"
                                  : "injected");
    if (c->p.ra) snprintf(x, sizeof x, "retry-after: %ld\r\n", c->p.ra);
    answer_raw(c, s, x, b, k);
    done(c);
}

/* one SSE event, framed as one HTTP chunk */
static size_t ev_at;

static void ev_begin(conn *c) {
    need(c, 70000);
    ev_at = c->outl;
    c->outl += 8;
}

static void ev_end(conn *c) { /* fixed-width hex size: leading zeros are legal */
    size_t k = c->outl - ev_at - 8;
    char h[9];
    snprintf(h, sizeof h, "%06zx\r\n", k);
    memcpy(c->out + ev_at, h, 8);
    PUTS(c, "\r\n");
    evsent++;
}

static void stream_head(conn *c) {
    putf(c,
         "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: "
         "no-cache\r\nx-request-id: req_%lu\r\ntransfer-encoding: chunked\r\n\r\n",
         c->id);
}

static void stream_event(conn *c) { /* writes event number c->i of c->total and advances */
    params *p = &c->p;
    int i = c->i++;
    long ct = p->ct >= 0 ? p->ct : p->n;
    ev_begin(c);
    if (c->route == R_CHAT || c->route == R_COMPL) {
        int fin = (int)p->n + 1, us = p->usage ? fin + 1 : -1;
        if (i == fin || i == us || i <= p->n) {
            putf(c,
                 "data: "
                 "{\"id\":\"chatcmpl-%lu\",\"object\":\"chat.completion.chunk\",\"created\":%ld,\"model\":\"%s\","
                 "\"system_fingerprint\":\"fp_mock\",",
                 c->id, created, c->model);
            if (i == 0)
                PUTS(c, "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":"
                        "null,\"finish_reason\":null}]}\n\n");
            else if (i == fin)
                PUTS(c, "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n");
            else if (i == us)
                putf(c,
                     "\"choices\":[],\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld}}"
                     "\n\n",
                     p->pt, ct, p->pt + ct);
            else {
                PUTS(c, "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
                put(c, filler + (i * 7) % 1000, p->bytes);
                PUTS(c, "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
            }
        } else
            PUTS(c, "data: [DONE]\n\n");
    } else if (c->route == R_RESP) {
        if (i == 0)
            putf(c,
                 "event: response.created\ndata: "
                 "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_%lu\",\"object\":"
                 "\"response\",\"created_at\":%ld,\"status\":\"in_progress\",\"model\":\"%s\",\"output\":[]}}\n\n",
                 c->id, created, c->model);
        else if (i <= p->n) {
            putf(c,
                 "event: response.output_text.delta\ndata: "
                 "{\"type\":\"response.output_text.delta\",\"sequence_number\":%d,\"item_id\":\"msg_%lu\",\"output_"
                 "index\":0,\"content_index\":0,\"delta\":\"",
                 i, c->id);
            put(c, filler + (i * 7) % 1000, p->bytes);
            PUTS(c, "\"}\n\n");
        } else
            putf(c,
                 "event: response.completed\ndata: "
                 "{\"type\":\"response.completed\",\"sequence_number\":%d,\"response\":{\"id\":\"resp_%lu\",\"object\":"
                 "\"response\",\"created_at\":%ld,\"status\":\"completed\",\"model\":\"%s\",\"output\":[],\"usage\":{"
                 "\"input_tokens\":%ld,\"output_tokens\":%ld,\"total_tokens\":%ld}}}\n\n",
                 i, c->id, created, c->model, p->pt, ct, p->pt + ct);
    } else { /* Anthropic */
        int n = (int)p->n;
        if (i == 0)
            putf(c,
                 "event: message_start\ndata: "
                 "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_%lu\",\"type\":\"message\",\"role\":"
                 "\"assistant\",\"model\":\"%s\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{"
                 "\"input_tokens\":%ld,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_"
                 "tokens\":1}}}\n\n",
                 c->id, c->model, p->pt);
        else if (i == 1)
            PUTS(c, "event: content_block_start\ndata: "
                    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"
                    "\n\n");
        else if (i == 2)
            PUTS(c, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        else if (i < n + 3) {
            PUTS(c, "event: content_block_delta\ndata: "
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"");
            put(c, filler + (i * 7) % 1000, p->bytes);
            PUTS(c, "\"}}\n\n");
        } else if (i == n + 3)
            PUTS(c, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
        else if (i == n + 4)
            putf(c,
                 "event: message_delta\ndata: "
                 "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                 "\"usage\":{\"output_tokens\":%ld}}\n\n",
                 ct);
        else
            PUTS(c, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
    ev_end(c);
    if (c->i >= c->total) PUTS(c, "0\r\n\r\n");
}

static void process(conn *c);

static void step_stream(conn *c) { /* send up to burst events */
    params *p = &c->p;
    for (long b = 0; b < p->burst && c->i < c->total; b++) {
        if (p->hangafter >= 0 && c->i >= p->hangafter) {
            nfail++;
            flush(c);
            if (!c->dead) c->st = S_HUNG;
            return;
        }
        if (p->resetafter >= 0 && c->i >= p->resetafter) {
            nfail++;
            sabort--;
            if (flush(c) >= 0) {
                usleep(200);
                kill_conn(c, 1);
            }
            return;
        }
        if (p->closeafter >= 0 && c->i >= p->closeafter) {
            nfail++;
            sabort--;
            if (flush(c) >= 0) kill_conn(c, 0);
            return;
        }
        if (p->errafter >= 0 && c->i >= p->errafter) {
            nfail++;
            ev_begin(c);
            if (c->route == R_MSG)
                PUTS(c, "event: error\ndata: "
                        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"injected "
                        "mid-stream\"}}\n\n");
            else
                PUTS(c, "data: {\"error\":{\"message\":\"injected "
                        "mid-stream\",\"type\":\"server_error\",\"param\":null,\"code\":\"injected\"}}\n\n");
            ev_end(c);
            PUTS(c, "0\r\n\r\n");
            c->i = c->total;
            break;
        }
        stream_event(c);
    }
    int f = flush(c);
    if (f < 0) return;
    if (c->i >= c->total) {
        sdone++;
        done(c);
        return;
    }
    if (f == 1) return; /* EPOLLOUT resumes */
    if (p->gap > 0 && c->i >= p->lead)
        heap_push(now_ns() + (uint64_t)(p->gap * 1e6), c);
    else
        ready(c);
}

static void begin(conn *c) { /* the wait is over: answer */
    params *p = &c->p;
    if (p->err) {
        nfail++;
        answer_err(c);
        return;
    }
    if (c->stream) {
        c->st = S_STREAM;
        c->i = 0;
        sstart++;
        c->total = c->route == R_MSG    ? (int)p->n + 6
                   : c->route == R_RESP ? (int)p->n + 2
                                        : (int)p->n + 3 + (p->usage ? 1 : 0);
        stream_head(c);
        step_stream(c);
    } else
        answer(c);
}

static void done(conn *c) { /* answer queued: flush, ready for the next request */
    if (c->dead) return;
    nlive--;
    c->st = c->keep ? S_READ : S_CLOSING;
    int f = flush(c);
    if (f < 0) return;
    if (!c->keep && f == 0) {
        c->st = S_CLOSING;
        kill_conn(c, 0);
    }
}

/* ---- requests ---- */
static const char *hdr(const char *h, const char *e, const char *name, size_t nl, size_t *vl) {
    while (h < e) {
        const char *nlp = memchr(h, '\n', e - h);
        const char *le = nlp ? nlp : e;
        if ((size_t)(le - h) > nl && h[nl] == ':' && !strncasecmp(h, name, nl)) {
            const char *v = h + nl + 1;
            while (v < le && (*v == ' ' || *v == '\t')) v++;
            const char *ve = le;
            while (ve > v && (ve[-1] == '\r' || ve[-1] == ' ')) ve--;
            *vl = ve - v;
            return v;
        }
        h = le + 1;
    }
    return NULL;
}

#define HDR(name) hdr(hs, he, name, sizeof(name) - 1, &vl)

static int has_true(const char *b, size_t k, const char *key, size_t kl) {
    const char *p = b, *e = b + k;
    while ((p = memmem(p, e - p, key, kl))) {
        p += kl;
        const char *q = p;
        while (q < e && (*q == ' ' || *q == '\n' || *q == '\t')) q++;
        if (q < e && *q == ':') {
            q++;
            while (q < e && (*q == ' ' || *q == '\n' || *q == '\t')) q++;
            if (e - q >= 4 && !memcmp(q, "true", 4)) return 1;
        }
    }
    return 0;
}

static int ends(const char *s, size_t k, const char *t) {
    size_t tl = strlen(t);
    return k >= tl && !memcmp(s + k - tl, t, tl);
}

static void request(conn *c, char *head, size_t hl, char *body, size_t bl) {
    size_t vl;
    const char *v, *hs = memchr(head, '\n', hl), *he = head + hl;
    hs = hs ? hs + 1 : he;
    char *sp = memchr(head, ' ', hl);
    char *path = sp ? sp + 1 : head;
    char *pe = path;
    while (pe < he && *pe != ' ' && *pe != '?' && *pe != '\r') pe++;
    size_t pl = pe - path;
    int get = !memcmp(head, "GET", 3);
    c->id = ++nreq;
    c->p = defaults;
    c->keep = 1;
    c->stream = 0;
    c->i = 0;
    strcpy(c->model, "mock-model");
    nlive++;
    if (nlive > maxlive) maxlive = nlive;
    c->st = S_WAIT;
    if ((v = HDR("connection")) && vl == 5 && !strncasecmp(v, "close", 5)) c->keep = 0;
    if (get)
        c->route = ends(path, pl, "/models")    ? R_MODELS
                   : ends(path, pl, "/health")  ? R_HEALTH
                   : ends(path, pl, "/__stats") ? R_STATS
                   : ends(path, pl, "/__last")  ? R_LAST
                                                : R_404;
    else
        c->route = ends(path, pl, "/chat/completions") ? R_CHAT
                   : ends(path, pl, "/messages")       ? R_MSG
                   : ends(path, pl, "/embeddings")     ? R_EMB
                   : ends(path, pl, "/responses")      ? R_RESP
                   : ends(path, pl, "/completions")    ? R_COMPL
                   : ends(path, pl, "/__reset")        ? R_RESETSTATS
                                                       : R_404;
    if (c->route <= R_RESP) {
        if (hl + bl > lastc) {
            lastc = (hl + bl) * 2;
            last = realloc(last, lastc);
        }
        if (hl + bl < 65536) {
            memcpy(last, head, hl);
            memcpy(last + hl, body, bl);
            lastl = hl + bl;
        }
        if ((v = HDR("x-mock"))) directives(&c->p, v, v + vl);
        char *m = memmem(body, bl, "mock:", 5);
        if (m) {
            char *a = m + 5, *z = a;
            while (z < body + bl && *z != '"' && *z != ' ' && *z != '\\') z++;
            directives(&c->p, a, z);
        }
        char *mk = memmem(body, bl, "\"model\"", 7);
        if (mk) {
            char *q = mk + 7, *e = body + bl;
            while (q < e && (*q == ' ' || *q == ':')) q++;
            if (q < e && *q == '"') {
                q++;
                size_t k = 0;
                while (q < e && *q != '"' && *q != '\\' && k < sizeof c->model - 1) c->model[k++] = *q++;
                c->model[k] = 0;
            }
        }
        c->stream = c->route != R_EMB && has_true(body, bl, "\"stream\"", 8);
        if (c->stream && has_true(body, bl, "\"include_usage\"", 15)) c->p.usage = 1;
        params *p = &c->p;
        if (p->every > 1 && c->id % p->every) {
            p->err = p->hang = p->reset = p->close_ = 0;
            p->hangafter = p->resetafter = p->closeafter = p->errafter = -1;
        }
        if (p->hang) {
            nfail++;
            c->st = S_HUNG;
            return;
        }
        if (p->reset) {
            nfail++;
            kill_conn(c, 1);
            return;
        }
        if (p->close_) {
            nfail++;
            kill_conn(c, 0);
            return;
        }
        if (p->lat > 0) {
            heap_push(now_ns() + (uint64_t)(p->lat * 1e6), c);
            return;
        }
    }
    begin(c);
}

static void process(conn *c) { /* take whole requests out of the input buffer while idle */
    while (!c->dead && c->st == S_READ && c->inl) {
        size_t from = c->scan > 3 ? c->scan - 3 : 0;
        char *z = memmem(c->in + from, c->inl - from, "\r\n\r\n", 4);
        if (!z) {
            c->scan = c->inl;
            return;
        }
        size_t hl = z + 4 - c->in, vl, bl = 0, total;
        const char *v;
        const char *hs = memchr(c->in, '\n', hl) + 1, *he = c->in + hl;
        char *body = c->in + hl, *dec = NULL;
        if ((v = HDR("expect")) && vl >= 3 && !memcmp(v, "100", 3) && c->inl == hl && c->scan != hl - 1) {
            send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
        }
        c->scan = hl - 1;
        if ((v = HDR("transfer-encoding")) && vl >= 7 && !strncasecmp(v + vl - 7, "chunked", 7)) {
            char *q = body, *e = c->in + c->inl;
            dec = malloc(c->inl - hl + 1);
            int fin = 0;
            for (;;) {
                char *nl = memchr(q, '\n', e - q);
                if (!nl) break;
                size_t k = strtoul(q, NULL, 16);
                q = nl + 1;
                if (!k) {
                    if (e - q >= 2) {
                        q += 2;
                        fin = 1;
                    }
                    break;
                }
                if ((size_t)(e - q) < k + 2) break;
                memcpy(dec + bl, q, k);
                bl += k;
                q += k + 2;
            }
            if (!fin) {
                free(dec);
                return;
            }
            total = q - c->in;
            body = dec;
        } else {
            if ((v = HDR("content-length"))) bl = strtoul(v, NULL, 10);
            if (c->inl < hl + bl) {
                if (c->inc < hl + bl) {
                    c->inc = hl + bl + 1;
                    c->in = realloc(c->in, c->inc);
                }
                return;
            }
            total = hl + bl;
        }
        request(c, c->in, hl, body, bl);
        free(dec);
        if (c->dead) return;
        memmove(c->in, c->in + total, c->inl - total);
        c->inl -= total;
        c->scan = 0;
    }
}

static void on_read(conn *c) {
    for (;;) {
        if (c->inc - c->inl < 8192) {
            c->inc = c->inc ? c->inc * 2 : 16384;
            c->in = realloc(c->in, c->inc);
        }
        size_t room = c->inc - c->inl;
        ssize_t r = recv(c->fd, c->in + c->inl, room, 0);
        if (r > 0) {
            c->inl += r;
            if ((size_t)r == room) continue;
            break;
        }
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        kill_conn(c, 0);
        return;
    }
    process(c);
}

int main(int argc, char **argv) {
    int port = 9100, o;
    const char *addr = "127.0.0.1";
    while ((o = getopt(argc, argv, "p:b:d:")) != -1) {
        if (o == 'p')
            port = atoi(optarg);
        else if (o == 'b')
            addr = optarg;
        else if (o == 'd')
            directives(&defaults, optarg, optarg + strlen(optarg));
        else
            return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    created = time(NULL);
    static const char words[] = "the quick brown fox jumps over the lazy dog while seven wizards make toxic brew ";
    for (size_t i = 0; i < sizeof filler; i++) filler[i] = words[i % (sizeof words - 1)];
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, addr, &sa.sin_addr);
    if (bind(ls, (void *)&sa, sizeof sa) || listen(ls, 4096)) {
        perror("listen");
        return 1;
    }
    ep = epoll_create1(0);
    tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &ls};
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    e.data.ptr = &tfd;
    epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &e);
    fprintf(stderr, "mock on %s:%d\n", addr, port);
    struct epoll_event ev[256];
    for (;;) {
        arm();
        int k = epoll_wait(ep, ev, 256, ready_head ? 0 : -1);
        for (int i = 0; i < k; i++) {
            if (ev[i].data.ptr == &ls) {
                for (;;) {
                    int fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK);
                    if (fd < 0) break;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    conn *c = calloc(1, sizeof *c);
                    c->fd = fd;
                    c->st = S_READ;
                    nconn++;
                    nopen++;
                    struct epoll_event x = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x);
                }
                continue;
            }
            if (ev[i].data.ptr == &tfd) {
                uint64_t x;
                if (read(tfd, &x, 8)) {}
                armed = 0;
                continue;
            }
            conn *c = ev[i].data.ptr;
            if (c->dead) continue;
            if (ev[i].events & EPOLLOUT) {
                int f = flush(c);
                if (f == 0) {
                    if (c->st == S_STREAM) {
                        if (c->p.gap > 0)
                            heap_push(now_ns() + (uint64_t)(c->p.gap * 1e6), c);
                        else
                            ready(c);
                    } else if (c->st == S_CLOSING)
                        kill_conn(c, 0);
                    else
                        process(c);
                }
            }
            if (!c->dead && (ev[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) on_read(c);
        }
        uint64_t t = hn ? now_ns() : 0;
        while (hn && heap[0].due <= t) {
            titem it = heap_pop();
            if (it.c->dead || it.c->gen != it.gen) continue;
            if (it.c->st == S_WAIT)
                begin(it.c);
            else if (it.c->st == S_STREAM)
                step_stream(it.c);
            if (!it.c->dead && it.c->st == S_READ) process(it.c);
        }
        conn *r = ready_head;
        ready_head = ready_tail = NULL;
        while (r) {
            conn *nx = r->next_ready;
            r->in_ready = 0;
            if (r->dead) {
                r->next_free = freelist;
                freelist = r;
            } else {
                if (r->st == S_STREAM && !r->want_out) step_stream(r);
                if (!r->dead && r->st == S_READ) process(r);
            }
            r = nx;
        }
        /* freed conns must outlive stale heap entries: free only when no timer is pending */
        if (!hn && !ready_head)
            while (freelist) {
                conn *f = freelist;
                freelist = f->next_free;
                free(f->in);
                free(f->out);
                free(f);
            }
    }
}
