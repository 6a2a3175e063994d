/* For platform.rs: what FreeRTOS has as macros and types, and static memory. */
#include <stdbool.h>
#include <string.h>

#include "FreeRTOS.h"
#include "semphr.h"
#include "task.h"

/* How much there is of what, for all pools together; nothing is given back. */
#define SEMAPHORES 128
#define TASKS 40
#define STACK_WORDS 2048
#define BODY_WORDS 4

/* The next semaphore, or NULL. With dynamic allocation: `return xSemaphoreCreateBinary();`. */
void *ringpool_semaphore(void)
{
    static StaticSemaphore_t semaphores[SEMAPHORES];
    static size_t used;
    return used < SEMAPHORES ? xSemaphoreCreateBinaryStatic(&semaphores[used++]) : NULL;
}

void ringpool_take(void *semaphore)
{
    xSemaphoreTake(semaphore, portMAX_DELAY);
}

/* From a task, and from an interrupt of a priority that may call the kernel. */
void ringpool_give(void *semaphore)
{
    if (xPortIsInsideInterrupt()) {
        BaseType_t woken = pdFALSE;
        xSemaphoreGiveFromISR(semaphore, &woken);
        portYIELD_FROM_ISR(woken);
    } else {
        xSemaphoreGive(semaphore);
    }
}

/* Makes a task that calls `enter` with its own copy of `body`; `enter` must not return. */
bool ringpool_task(void (*enter)(void *), const void *body, size_t bytes, UBaseType_t priority)
{
    static struct {
        StaticTask_t control;
        uintptr_t body[BODY_WORDS];
        StackType_t stack[STACK_WORDS];
    } tasks[TASKS], *task;
    static size_t used;
    if (used == TASKS || bytes > sizeof task->body)
        return false;
    task = &tasks[used++];
    memcpy(task->body, body, bytes);
    return xTaskCreateStatic(enter, "ringpool", STACK_WORDS, task->body, priority, task->stack,
                             &task->control) != NULL;
}
