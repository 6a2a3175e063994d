/* The kernel's configuration, for a Cortex-M3 and for the host. Nothing is ever allocated. */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#define configUSE_PREEMPTION 1
#define configUSE_TIME_SLICING 1
#define configIDLE_SHOULD_YIELD 1
#define configMAX_PRIORITIES 7
#define configTICK_RATE_HZ 1000
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_32_BITS
#define configMINIMAL_STACK_SIZE 256
#define configMAX_TASK_NAME_LEN 12
#define configSUPPORT_STATIC_ALLOCATION 1
#define configSUPPORT_DYNAMIC_ALLOCATION 0
#define configKERNEL_PROVIDED_STATIC_MEMORY 1
#define configUSE_IDLE_HOOK 1
#define INCLUDE_vTaskDelay 1
#define INCLUDE_vTaskDelete 1
#define INCLUDE_vTaskPrioritySet 1
#define INCLUDE_vTaskSuspend 1 /* so that portMAX_DELAY is for ever */
#define INCLUDE_xTaskGetCurrentTaskHandle 1

/* in rtos.rs */
extern void assertion_failed(const char *file, int line);
#define configASSERT(x)                               \
    do {                                              \
        if (!(x)) assertion_failed(__FILE__, __LINE__); \
    } while (0)

#ifdef __arm__
#define configCPU_CLOCK_HZ 25000000
#define configUSE_TICK_HOOK 0
#define configCHECK_FOR_STACK_OVERFLOW 2
#define configKERNEL_INTERRUPT_PRIORITY 0xff
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 0x20
/* What cortex-m-rt calls them. */
#define vPortSVCHandler SVCall
#define xPortPendSVHandler PendSV
#define xPortSysTickHandler SysTick
#else
#define configUSE_TICK_HOOK 1 /* the interrupt: host.rs */
#define configCHECK_FOR_STACK_OVERFLOW 0
/* This port has none. */
extern int inside_interrupt(void);
#define xPortIsInsideInterrupt inside_interrupt
#endif

#endif
